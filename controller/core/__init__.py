"""The rules of the product: what should be, what is, and the ordered steps from one to the other."""
