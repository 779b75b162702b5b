"""`cxr tokens`: what programs prove themselves with at the HTTP API."""

from typing import Annotated

import typer

from db import tokens
from db.tokens import Scope
from node.commands.options import (
    ByOption,
    ConfigOption,
    DataOption,
    JsonOption,
    opened,
    print_json,
    print_table,
    who,
)
from node.errors import SettingsError
from node.identity.tokens import Tokens
from node.process.clock import utc_now

tokens_app = typer.Typer(no_args_is_help=True, help="Tokens for programs that ask the HTTP API: look, make, end.")


@tokens_app.command("list")
def list_tokens(
    config: ConfigOption = None,
    data: DataOption = None,
    owner: Annotated[str | None, typer.Option(help="Only those of this person.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the tokens, ended ones too: whose each is, what it may do and when it was used.

    Example: cxr tokens list
    """
    with opened(config, data).read() as connection:
        found = tokens.every(connection, owner)
    if as_json:
        print_json(found)
        return
    print_table(
        ["token", "name", "owner", "scopes", "made", "expires", "ended", "last used"],
        [
            (t.id, t.name, t.owner, ", ".join(t.scopes), t.created_at, t.expires_at, t.revoked_at, t.last_used_at)
            for t in found
        ],
        empty="No token was made yet; cxr tokens create NAME --owner PERSON --scope read makes one.",
    )


@tokens_app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    owner: Annotated[str, typer.Option(help="The person for whom it acts, as `cxr users list` shows them.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do; may be repeated.")],
    days: Annotated[int | None, typer.Option(help="How long it lasts; without it, until it is revoked.")] = None,
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token for a program, and print it: once, for the node keeps a digest alone.

    It may never do more than its owner may, and ends when they are disabled.

    Example: cxr tokens create dashboard --owner reader1 --scope read --days 365
    """
    made = Tokens(database=opened(config, data), now=utc_now)
    token_id, token = made.create(owner.strip().lower(), name, set(scope), days=days, by=who(by))
    if as_json:
        print_json({"id": token_id, "token": token})
        return
    typer.echo(f"Token {token_id}; keep it now, it is not shown again.", err=True)
    typer.echo(token)


@tokens_app.command("revoke")
def revoke(
    token: Annotated[int, typer.Argument(help="The token's number, as `cxr tokens list` shows it.")],
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """End a token; it opens nothing any more.

    Example: cxr tokens revoke 3
    """
    if not Tokens(database=opened(config, data), now=utc_now).revoke(token, by=who(by)):
        raise SettingsError("there is no such token, or it has ended; `cxr tokens list` shows them")
    typer.echo(f"Token {token} opens nothing any more.")
