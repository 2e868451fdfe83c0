"""The pipeline's steps, one small file each; `pipeline.STEPS` has their order."""
