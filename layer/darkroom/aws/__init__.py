"""The AWS side of what the functions share; nothing else in the layer imports boto3."""
