"""`.env.example`: the commented list of settings."""


def test_the_example_of_the_repository_names_every_variable_and_parses(person, store, bucket, root):
    example = (root / ".env.example").read_text()
    for name in (
        "AWS_STORAGE_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "PATH_TO_SAVE_FILE",
        "AWS_ENDPOINT_URL",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
        "PAIL_USER",
        "PAIL_HISTORY",
        "PAIL_RETRY_FOR",
        "PAIL_STALL_TIMEOUT",
    ):
        assert name in example
    person.write_env(example)
    keys = {"AWS_ACCESS_KEY_ID": store.access_key, "AWS_SECRET_ACCESS_KEY": store.secret_key}
    done = person.run("ls", "--endpoint-url", store.endpoint, env=keys)
    assert b"left out" not in done.stderr
