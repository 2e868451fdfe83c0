"""The steps of the pipeline, one file each. `pipeline.STEPS` defines their order."""
