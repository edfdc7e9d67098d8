CREATE VIEW available_products AS
SELECT id, name, price_cents, stock FROM products WHERE stock > 0;
