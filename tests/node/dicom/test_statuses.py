"""The tables of statuses have what the code answers, and nothing else."""

import ast
import inspect
from collections.abc import Iterator
from types import ModuleType

from node import files, header, intake
from node.dicom import command, commitment, commitment_scp, scp, statuses


def answered(*modules: ModuleType) -> set[int]:
    """Statuses that modules refuse with, or return beside a comment."""
    return {status for module in modules for status in _statuses(module)}


def _statuses(module: ModuleType) -> Iterator[int]:
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "RefusedError"
        if called:
            yield _value(node.args[0], module)
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) > 1:
            value = _value(node.value.elts[0], module)
            if isinstance(value, int):
                yield value


def _value(expression: ast.expr, module: ModuleType) -> object:
    names = {each.id for each in ast.walk(expression) if isinstance(each, ast.Name)}
    return eval(ast.unparse(expression), vars(module)) if names <= vars(module).keys() else None


def test_statuses_of_c_store_are_in_the_table():
    """A modality's engineer finds every status that a C-STORE may be answered with."""
    other_operation = command.UNRECOGNIZED_OPERATION

    assert answered(files, header, intake, scp) == set(statuses.OF_STORE) | {other_operation}


def test_statuses_of_storage_commitment_are_in_the_table():
    """The same for N-ACTION and N-EVENT-REPORT."""
    assert answered(commitment, commitment_scp) == set(statuses.OF_COMMITMENT)
