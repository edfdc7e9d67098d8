"""The language of the product: the Preview type, its names, its errors. Pure: no I/O anywhere below."""
