"""The stages of a run, one file each; a stage turns a job's inputs into artifacts and a result."""
