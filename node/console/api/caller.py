"""Who asks the HTTP API: a token in the header `Authorization: Bearer`, and what it opens.

A browser's cookie opens nothing here, so that no page of another site can have the browser ask.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from db import audit
from db.tokens import Scope
from node.console.api.basis import Basis, Node
from node.identity.tokens import TokenRefusedError, TooManyTokensError

BEARER = HTTPBearer(auto_error=False, scheme_name="token", description="A token of `cxr tokens create`.")
CHALLENGE = {"WWW-Authenticate": "Bearer"}

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A program that was let in, for a person."""

    name: str
    token_id: int
    node: Basis

    def saw(self, action: str, subject: str, **detail: object) -> None:
        """Write into the audit log what it is about to be shown; no patient's data is to be in it."""
        words = {"token": self.token_id} | detail
        with self.node.database.write() as connection:
            audit.append(connection, actor=self.name, action=action, subject=subject, now=self.node.now(), detail=words)


@dataclass(frozen=True, slots=True)
class Holds:
    """Lets in who brings a token with a scope, if its owner's role still opens that."""

    scope: Scope

    def __call__(self, node: Node, request: Request, credentials: Credentials) -> Caller:
        """Who asks.

        Raises:
            HTTPException: nobody that may.
        """
        if credentials is None:
            raise HTTPException(401, "Give a token: Authorization: Bearer cxr_...", CHALLENGE)
        address = request.client.host if request.client else ""
        try:
            token, person = node.tokens.holder(credentials.credentials, address)
        except TokenRefusedError as error:
            raise HTTPException(401, "This token is not known here, or has ended.", CHALLENGE) from error
        except TooManyTokensError as error:
            raise HTTPException(429, "Too many wrong tokens came from here.", {"Retry-After": "900"}) from error
        if self.scope not in token.scopes:
            raise HTTPException(403, f"This takes a token with the scope {self.scope}.")
        if not person.role.includes(self.scope.role):
            raise HTTPException(403, f"{person.name} is {person.role} now; this takes the role {self.scope.role}.")
        return Caller(name=person.name, token_id=token.id, node=node)


Reader = Annotated[Caller, Security(Holds(Scope.READ), scopes=[Scope.READ])]
Labeller = Annotated[Caller, Security(Holds(Scope.LABEL), scopes=[Scope.LABEL])]
Administrator = Annotated[Caller, Security(Holds(Scope.ADMINISTER), scopes=[Scope.ADMINISTER])]
