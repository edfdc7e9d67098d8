from dev.python_index import index


def test_the_index_is_read_from_pips_settings_and_a_variable_counts_first() -> None:
    listed = "global.cert='/etc/ca.pem'\nglobal.index-url='https://file.example/simple'\n"
    assert index(listed) == "https://file.example/simple"
    assert (
        index(f":env:.index-url='https://variable.example/simple'\n{listed}")
        == "https://variable.example/simple"
    )
    assert (
        index(f"{listed}install.index-url='https://command.example/simple'\n")
        == "https://command.example/simple"
    )


def test_where_pip_has_its_own_nothing_is_said() -> None:
    assert index("global.cert='/etc/ca.pem'\n:env:.extra-index-url='https://more.example'\n") == ""
