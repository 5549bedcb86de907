"""Does this microscope's differential agree with the laboratory's own? Needs scipy for its distributions (the extra
[validation]); nothing that counts needs this room."""
