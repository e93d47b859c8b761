"""The rules in their order: at each place of a question the first that takes something wins."""

from metier.builtin.providers.offline.reader import Rule
from metier.builtin.providers.offline.rules import amounts, asking, fields, linking, ordering
from metier.builtin.providers.offline.rules.ordering import rank_rows

RULES: tuple[Rule, ...] = (
    asking.punctuation,
    linking.where_is,
    asking.leading_verb,
    asking.every_one,
    asking.unsupported,
    ordering.order_word,
    ordering.direction_word,
    asking.count,
    asking.how_much,
    asking.shown_fields,
    asking.asked_field,
    asking.either,
    ordering.first_at_the_end,
    ordering.limited,
    ordering.number_of_rows,
    ordering.extreme_field,
    ordering.extreme_behind,
    ordering.by_field,
    fields.without,
    fields.with_something,
    fields.not_a_role,
    linking.called,
    fields.field_with_value,
    fields.mine,
    fields.option,
    asking.negation,
    ordering.superlative,
    ordering.newest,
    ordering.fresh,
    amounts.same_field,
    amounts.timed,
    amounts.adjective_compared,
    amounts.compared,
    linking.place,
    linking.scope,
    linking.noun,
    fields.flag,
    fields.state,
    linking.text_search,
    linking.trailing_link,
    linking.linked_name,
    linking.value_before_field,
    fields.field_alone,
    linking.other_noun,
    linking.address,
    linking.bare_name,
    asking.joiner,
    asking.stop_word,
)

#: For what is written: no word at the beginning is passed over as a verb that asks for a list.
CAREFUL = tuple(rule for rule in RULES if rule is not asking.leading_verb)

#: For values: a name alone is no value, no object is named, and no word is passed over that could be one.
VALUES = (
    amounts.money,
    fields.for_me,
    linking.pointed,
    *(
        rule
        for rule in CAREFUL
        if rule not in (linking.linked_name, linking.bare_name, linking.noun, linking.scope, asking.stop_word)
    ),
    asking.plain_stop_word,
)

__all__ = ["CAREFUL", "RULES", "VALUES", "rank_rows"]
