"""Sample applications, one folder each: they import ``ccfpy.app``, nothing deeper."""
