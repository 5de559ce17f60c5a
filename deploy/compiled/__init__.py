"""Makes a copy of the domain whose decision core is machine code: ``python -m deploy.compiled --into FOLDER``.

The core is typed strictly, so mypyc can compile it as it is, but for its dataclasses, which are written out first
(``rewriting``). What is compiled is chosen in ``choice``. ``docs/adr/0051-the-core-is-compiled.md`` says why.
"""
