"""`cxr models`: the models this node knows."""

import typer

from node.commands import model_registry, promotion, shadowing

models_app = typer.Typer(no_args_is_help=True, help="The models this node knows.")
models_app.command("list")(model_registry.list_models)
models_app.command("show")(model_registry.show)
models_app.command("register")(model_registry.register)
models_app.command("promote")(promotion.promote)
models_app.command("rollback")(promotion.rollback)
models_app.command("shadow")(shadowing.shadow)
models_app.command("compare")(shadowing.compare)
models_app.command("verify")(model_registry.verify)
