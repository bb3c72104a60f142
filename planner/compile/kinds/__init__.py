"""One module a kind of `run`, each with one `lower` function (design: section 6, "A kind is a spec model ...")."""
