"""The AWS adapters that the functions share. Nothing else in the layer imports boto3."""
