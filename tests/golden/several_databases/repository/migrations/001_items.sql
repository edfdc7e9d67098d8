create table items ();
