"""What the backends of one machine share: claims of attempts, folders of runs, and what is left in them."""
