"""Signing in elsewhere, as a library: OpenID Connect and SAML, without tenants, people or sessions.

allauth brings the parts (PyJWT, python3-saml). Its own views are not used: they take the issuer from whatever
answers, skip the signature of a token that came over TLS, have no nonce, and link people by e-mail.
"""
