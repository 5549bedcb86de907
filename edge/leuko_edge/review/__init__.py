"""The web pages on which a person reviews, corrects, signs and takes away what was counted (extra `[review]`).

`app` puts them together; `access` says who may, `security` what a browser may, `pages` and `pictures` answer what is
looked at, `changes` what is done, `state` is a session as the page's script knows it, `missed` names a cell by hand.
"""
