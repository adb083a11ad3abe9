"""The only files of ours that a box can see. They import nothing else of ours."""
