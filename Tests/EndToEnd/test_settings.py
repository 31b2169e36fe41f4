"""`.env` in its grammar, what wins over what, and what is said when keys are missing."""

import json

import pytest
from scripted import Answer, Scripted


def lists(person, bucket, *arguments, **options):
    done = person.run("ls", *arguments, **options)
    assert done.returncode == 0, done.stderr.decode()
    return bucket in done.stdout.decode()


@pytest.mark.parametrize(
    "line",
    [
        "{}={}",
        "{}= '{}'",
        "{} = '{}'",
        '{}="{}"',
        "export {}={}",
        "export {} = '{}'   # a comment",
        "  {}={}  ",
        "{}={} # a comment",
        "{}={}\r",
        "{}='{}'\r",
    ],
)
def test_each_form_of_an_assignment_is_read(person, store, bucket, line):
    values = {
        "AWS_STORAGE_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": store.access_key,
        "AWS_SECRET_ACCESS_KEY": store.secret_key,
        "AWS_ENDPOINT_URL": store.endpoint,
    }
    text = "\n".join(line.format(*pair) for pair in values.items())
    person.write_env(f"# settings\n\n{text}\n")
    assert lists(person, bucket)


def test_a_byte_order_mark_and_crlf_do_not_matter(person, store, bucket):
    path = person.work / ".env"
    text = path.read_text()
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert lists(person, bucket)


def test_a_bad_line_is_named_by_its_number_and_never_by_its_content(person, bucket):
    text = (person.work / ".env").read_text()
    person.write_env(text + "this Hides+A/Secret\n")
    done = person.run("ls")
    assert done.returncode == 0
    assert b"6" in done.stderr
    assert b"Hides" not in done.stderr + done.stdout


def test_a_flag_wins_over_the_environment_and_that_over_the_file(person, store, bucket):
    dead = "http://127.0.0.1:9"
    person.write_env(endpoint=dead)
    assert lists(person, bucket, env={"AWS_ENDPOINT_URL": store.endpoint})
    assert lists(
        person, bucket, "--endpoint-url", store.endpoint, env={"AWS_ENDPOINT_URL": dead}
    )


def test_doctor_sends_nothing_to_a_server_that_the_command_line_overrules(person, store, bucket):
    asked = []

    def answer(method, path, query, headers):
        asked.append(path)
        return Answer(403)

    with Scripted(answer) as other:
        general = {"AWS_ENDPOINT_URL": other.endpoint}
        done = person.run("doctor", "--endpoint-url", store.endpoint, env=general)
        assert done.returncode == 0 and not asked
        # Who names the service itself means it.
        own = {"AWS_ENDPOINT_URL_STS": other.endpoint}
        done = person.run("doctor", "--endpoint-url", store.endpoint, env=own)
        assert done.returncode == 0 and asked


def test_doctor_in_json_has_a_line_for_what_failed(person, store, bucket):
    (person.work / "file").touch()
    closed = ["--history", "file/history.sqlite"]
    for words, name in ((["s3://never-made-bucket"], "list s3://never-made-bucket"), (closed, "history"),
                        (["--endpoint-url", "http://127.0.0.1:1"], "list buckets")):
        done = person.run("doctor", "--json", *words)
        assert done.returncode == 1
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        (failed,) = [line for line in lines if line.get("outcome") == "failed"]
        assert failed["check"] == name and f"pail: {failed['error']}\n".encode() in done.stderr
    store.put(bucket, "k", b"1")
    assert f"list s3://{bucket}" in person.run("doctor", f"s3://{bucket}").stdout.decode()
    assert b"  1 entry\n" in person.run("doctor", f"s3://{bucket}").stdout


def test_a_named_file_is_read_instead_of_the_one_in_the_folder(person, store, bucket, tmp_path):
    good = tmp_path / "named.env"
    good.write_text((person.work / ".env").read_text())
    person.write_env("AWS_ACCESS_KEY_ID=WRONG\nAWS_SECRET_ACCESS_KEY=WRONG\n")
    assert lists(person, bucket, "--env-file", good)


def test_a_file_that_others_can_write_is_not_read(person, bucket):
    (person.work / ".env").chmod(0o666)
    done = person.run("ls")
    assert done.returncode != 0
    assert b".env" in done.stderr


def test_a_key_and_a_secret_from_different_sources_are_never_mixed(person, store, bucket):
    done = person.run("ls", env={"AWS_ACCESS_KEY_ID": store.access_key})
    text = (person.work / ".env").read_text()
    assert done.returncode == 0 or b"AWS_SECRET_ACCESS_KEY" in done.stderr
    # The file has the secret alone, the environment the key alone: that is no set.
    person.write_env("\n".join(x for x in text.splitlines() if "ACCESS_KEY_ID" not in x) + "\n")
    done = person.run("ls", env={"AWS_ACCESS_KEY_ID": store.access_key})
    assert done.returncode != 0


def test_keys_of_the_environment_do_not_meet_the_endpoint_of_a_found_file(person, store, bucket):
    keys = {"AWS_ACCESS_KEY_ID": store.access_key, "AWS_SECRET_ACCESS_KEY": store.secret_key}
    person.write_env(f"AWS_ENDPOINT_URL={store.endpoint}\n")
    refused = person.run("ls", env=keys)
    assert refused.returncode != 0 and b"--endpoint-url" in refused.stderr
    assert lists(person, bucket, "--endpoint-url", store.endpoint, env=keys)


def test_a_wrong_secret_is_told_in_words_with_its_code(person, store):
    person.write_env((person.work / ".env").read_text().replace(store.secret_key, "not+the/one"))
    done = person.run("ls")
    assert done.returncode == 1
    assert b"SignatureDoesNotMatch" in done.stderr
    assert b"not+the/one" not in done.stderr


def test_without_keys_a_command_says_where_it_looked(person):
    (person.work / ".env").unlink()
    done = person.run("ls")
    assert done.returncode != 0
    for word in (b"AWS_ACCESS_KEY_ID", b"AWS_SECRET_ACCESS_KEY", b".env"):
        assert word in done.stderr
