"""Photos and masks: reading, pairing, checking, importing, generating, transforming."""
