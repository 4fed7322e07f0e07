"""Which columns an expression names, whether they exist or not."""

from itertools import pairwise

from headrace.expressions.lexer import Lexeme, lex

_NOTHING = Lexeme("operator", "", 0)


def column_names(text: str) -> set[str]:
    """The columns an expression names, spelled as it spells them: `amount` and `fee` of `amount + fee.net`.

    Raises:
        ExpressionError: The text holds something an expression may not.
    """
    lexemes = [_NOTHING, *lex(str(text)), _NOTHING]
    return {
        lexeme.value
        for (before, lexeme), (_, after) in pairwise(pairwise(lexemes))
        if lexeme.kind in ("name", "quoted") and before.text != "." and after.text != "("
    }
