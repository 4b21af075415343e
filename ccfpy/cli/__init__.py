"""The commands a person types: parsing arguments and printing results, nothing else.

The work lies in the packages below; the only one allowed to ``print``.
"""
