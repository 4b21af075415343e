"""The commands a person types: parsing arguments and printing results, nothing else.

The work is in the packages below. Only this package may ``print``.
"""
