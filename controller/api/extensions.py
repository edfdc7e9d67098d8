"""The extensions of PostgreSQL that previews may have installed unless an installation says otherwise."""

EXTENSIONS = (
    "btree_gin",
    "btree_gist",
    "citext",
    "fuzzystrmatch",
    "hstore",
    "intarray",
    "ltree",
    "pg_trgm",
    "pgcrypto",
    "postgis",
    "tablefunc",
    "unaccent",
    "uuid-ossp",
    "vector",
)
