"""People are the same each time they are made."""

from ccfpy.testing.apps.service import open_to, people, person, set_user


def test_people_are_counted_or_named() -> None:
    assert [user.name for user in people(2, "user")] == ["user0", "user1"]
    (ann,) = people({"ann": {"role": "writer"}}, "user")
    assert (ann.name, ann.data) == ("ann", b'{"role":"writer"}')
    assert ann.id == person("ann").id


def test_one_alone_can_recover() -> None:
    keys = [member.encryption_key for member in people(3, "m", can_recover=True)]
    assert [key is not None for key in keys] == [True, False, False]


def test_a_service_is_opened_for_whoever_is_let_in() -> None:
    ann = person("ann", {"role": "writer"})
    admitted, opened = open_to([ann], "PEM")
    assert admitted == set_user(ann)
    assert admitted["args"] == {
        "cert": ann.certificate.pem,
        "user_data": {"role": "writer"},
    }
    assert opened["args"] == {"next_service_identity": "PEM"}
