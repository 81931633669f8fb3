"""Who works here: roles and what they may do, passwords, and signing in through the company's OpenID provider."""
