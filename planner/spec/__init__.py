"""What users write: the YAML reader, the models of the language and the settings file of a repository.

`load.load` is the way in. This package never looks at other files: what a document refers to is compile's business.
"""
