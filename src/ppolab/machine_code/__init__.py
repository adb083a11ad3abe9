"""What compiled kernels are made of, whatever they compute: the compiler, registers, products."""
