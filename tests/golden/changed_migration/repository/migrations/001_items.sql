create table other ();
