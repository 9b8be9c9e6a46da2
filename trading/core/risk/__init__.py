"""What is checked before every order: one small function per rule, each refusal names its rule."""
