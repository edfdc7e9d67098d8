INSERT INTO products (name, price_cents, stock) VALUES
    ('Espresso cup', 900, 24),
    ('Teapot', 3400, 7),
    ('Milk jug', 1800, 12),
    ('Sugar bowl', 1500, 9),
    ('Cake stand', 4200, 3),
    ('Gravy boat', 2600, 0);
