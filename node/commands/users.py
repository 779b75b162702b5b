"""`cxr users`: who may log in to the console."""

import sys
from typing import Annotated

import typer

from db import audit, identities, people
from db.engine import Connection
from db.errors import UnknownPersonError
from db.people_records import KnownPerson, Role
from node.commands.options import (
    ByOption,
    ConfigOption,
    DataOption,
    JsonOption,
    at_a_terminal,
    opened,
    print_json,
    print_table,
    who,
)
from node.errors import SettingsError
from node.identity import passwords
from node.process.clock import utc_now

users_app = typer.Typer(no_args_is_help=True, help="Who may log in to the console: look, add, change.")

NameArgument = Annotated[str, typer.Argument(help="The name they log in with: letters, digits and . _ @ -.")]
StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, for scripts.")
]


@users_app.command("list")
def list_users(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List who may log in to the console, with role, last login, and whether by a password or an identity provider.

    Whom the provider knows is here from their first login on, with the role that their groups gave them then.

    Example: cxr users list
    """
    with opened(config, data).read() as connection:
        found = people.everybody(connection)
    if as_json:
        print_json(found)
        return
    print_table(
        ["name", "role", "comes by", "added", "last login", "disabled"],
        [
            (each.name, each.role, _comes_by(each), each.created_at, each.last_login_at, each.disabled_at)
            for each in found
        ],
        empty="Nobody may log in yet; cxr users add NAME --role administrator makes the first.",
    )


@users_app.command("add")
def add(
    name: NameArgument,
    role: Annotated[Role, typer.Option(help="What they may do; each role includes the one before it.")],
    password_stdin: StdinOption = False,
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Let a person log in to the console; their password is asked for twice.

    Example: cxr users add admin1 --role administrator
    """
    name = _name(name)
    database = opened(config, data)
    with database.read() as connection:
        if people.find(connection, name) is not None:
            raise _taken(name)
    password_hash = passwords.hashed(_password(name, from_stdin=password_stdin))
    with database.write() as connection:
        if not people.add(connection, name=name, password_hash=password_hash, role=role, now=utc_now()):
            raise _taken(name)
        _note(connection, by, "user.add", name, role=role)
    typer.echo(f"{name} may log in as {role}.")


@users_app.command("role")
def change_role(
    name: NameArgument,
    role: Annotated[Role, typer.Argument(help="What they may do from now on.")],
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Give a person another role; it holds from their next click.

    Example: cxr users role reader1 radiologist
    """
    name = _name(name)
    with opened(config, data).write() as connection:
        people.set_role(connection, name, role)
        _note(connection, by, "user.role", name, role=role)
    typer.echo(f"{name} is {role} now.")


@users_app.command("password")
def change_password(
    name: NameArgument,
    password_stdin: StdinOption = False,
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Give a person another password; they are logged out everywhere.

    Example: cxr users password reader1
    """
    name = _name(name)
    database = opened(config, data)
    with database.read() as connection:
        if people.find(connection, name) is None:
            raise UnknownPersonError(name)
    password_hash = passwords.hashed(_password(name, from_stdin=password_stdin))
    with database.write() as connection:
        people.set_password(connection, name, password_hash)
        _note(connection, by, "user.password", name)
    typer.echo(f"{name} has another password and is logged out everywhere.")


@users_app.command("disable")
def disable(name: NameArgument, by: ByOption = None, config: ConfigOption = None, data: DataOption = None) -> None:
    """Let a person in no more; they are logged out everywhere. What they did stays in the audit log.

    Example: cxr users disable reader1
    """
    name = _name(name)
    with opened(config, data).write() as connection:
        people.disable(connection, name, utc_now())
        _note(connection, by, "user.disable", name)
    typer.echo(f"{name} may not log in any more.")


@users_app.command("enable")
def enable(name: NameArgument, by: ByOption = None, config: ConfigOption = None, data: DataOption = None) -> None:
    """Let a person who was disabled in again, with the password they had.

    Example: cxr users enable reader1
    """
    name = _name(name)
    with opened(config, data).write() as connection:
        people.enable(connection, name)
        _note(connection, by, "user.enable", name)
    typer.echo(f"{name} may log in again.")


@users_app.command("provider")
def leave_to_provider(
    name: NameArgument, by: ByOption = None, config: ConfigOption = None, data: DataOption = None
) -> None:
    """Leave a person to the identity provider: they have no password here any more, and are logged out everywhere.

    Who the provider calls by this name next becomes this person. It takes [console.oidc].

    Example: cxr users provider reader1
    """
    name = _name(name)
    with opened(config, data).write() as connection:
        people.set_password(connection, name, people.NO_PASSWORD)
        identities.forget(connection, name)
        _note(connection, by, "user.provider", name)
    typer.echo(f"{name} logs in by the identity provider from now on.")


def _note(connection: Connection, by: str | None, action: str, name: str, **detail: str) -> None:
    """The audit entry of a change, in its transaction."""
    audit.append(connection, actor=who(by), action=action, subject=name, now=utc_now(), detail=detail)


def _comes_by(person: KnownPerson) -> str:
    """How a person comes in, in words."""
    ways = [person.issuer or "", "a password of the node" if person.has_password else ""]
    return ", or ".join(filter(None, ways)) or "the identity provider, not yet"


def _name(given: str) -> str:
    """The name as it is kept.

    Raises:
        SettingsError: it cannot be a name.
    """
    name = given.strip().lower()
    if not people.NAME.fullmatch(name):
        raise SettingsError("a name is 1 to 64 letters, digits and . _ @ -, and begins with a letter or digit")
    return name


def _password(name: str, *, from_stdin: bool) -> str:
    """A good password, from a person at a terminal or from a script.

    Raises:
        SettingsError: it is soon guessed, or nobody is there to ask.
    """
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif at_a_terminal():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True)
    else:
        raise SettingsError("nobody is there to ask for the password; give --password-stdin in a script")
    passwords.require_good(password, name)
    return password


def _taken(name: str) -> SettingsError:
    return SettingsError(f"there is a user {name!r} already; `cxr users list` shows everybody")
