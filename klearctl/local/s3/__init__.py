"""The embedded S3 server, for as long as anybody uses it."""
