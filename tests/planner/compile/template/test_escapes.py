"""Attempts to reach what a template must not reach. Each ends in a template error, most before anything is evaluated.

The scope holds what a real one holds: JSON data. A canary beside it stands for everything else in the process.
"""

import pytest

from planner.compile.template import TemplateError, compile_template, evaluate

pytestmark = pytest.mark.unit

SCOPE = {"params": {"x": {"value": "text"}}, "xs": [1, 2], "text": "text", "n": 1, "none_": None, "m": {"a": 1}}

REFUSED = "PL-406"
UNDEFINED = "PL-405"
SYNTAX = "PL-404"

ATTEMPTS = [
    ("{{ ''.__class__ }}", REFUSED),
    ("{{ ''.__class__.__mro__[1].__subclasses__() }}", REFUSED),
    ("{{ text.__class__.__base__ }}", REFUSED),
    ("{{ text['__class__'] }}", REFUSED),
    ("{{ text['__cla' ~ 'ss__'] }}", UNDEFINED),
    ("{{ text['__cla' + 'ss__']['__mro__'] }}", REFUSED),
    (r"{{ text['\x5f\x5fclass\x5f\x5f'] }}", REFUSED),
    (r"{{ text['\u005f_init__'] }}", REFUSED),
    ("{{ text[['__class__'] | first] }}", UNDEFINED),
    ("{{ text[('__', 'class', '__') | join] }}", UNDEFINED),
    ("{{ xs | map(attribute='__class__') }}", UNDEFINED),
    ("{{ xs | map(attribute='__class__.__init__.__globals__') }}", UNDEFINED),
    ("{{ xs | sort(attribute='__class__') }}", UNDEFINED),
    ("{{ xs | sum('__add__') }}", UNDEFINED),
    ("{{ xs | selectattr('__class__', 'defined') | first }}", UNDEFINED),
    ("{{ text | attr('__class__') }}", REFUSED),
    ("{{ text | map('attr', '__class__') }}", REFUSED),
    ("{{ text.upper }}", UNDEFINED),
    ("{{ text.upper() }}", REFUSED),
    ("{{ text.format(text) }}", REFUSED),
    ("{{ '{0.__class__}'.format(text) }}", REFUSED),
    ("{{ '{0.__class__.__init__.__globals__}'.format_map(m) }}", REFUSED),
    ("{{ '%s' % text }}", REFUSED),
    ("{{ '%(a)s' % m }}", REFUSED),
    ("{{ '{0.__class__}' | format(text) }}", REFUSED),
    ("{{ 'x' | map_format('%(__class__)s') }}", REFUSED),
    ("{{ 'x' | map_format('{0.__class__}%r') }}", REFUSED),
    ("{{ m.items }}", UNDEFINED),
    ("{{ m.items() }}", REFUSED),
    ("{{ m.get('a').__class__ }}", REFUSED),
    ("{{ m.__getitem__('a') }}", REFUSED),
    ("{{ xs.append(3) }}", REFUSED),
    ("{{ n.real }}", UNDEFINED),
    ("{{ n.bit_length() }}", REFUSED),
    ("{{ none_.__class__ }}", REFUSED),
    ("{{ (1).__class__ }}", REFUSED),
    ("{{ [].__class__ }}", REFUSED),
    ("{{ {}.__class__ }}", REFUSED),
    ("{{ self }}", UNDEFINED),
    ("{{ self.__init__ }}", REFUSED),
    ("{{ self._TemplateReference__context }}", UNDEFINED),
    ("{{ cycler }}", UNDEFINED),
    ("{{ cycler.__init__.__globals__.os.popen('id -un').read() }}", REFUSED),
    ("{{ cycler('a').next }}", REFUSED),
    ("{{ joiner() }}", REFUSED),
    ("{{ namespace() }}", REFUSED),
    ("{{ namespace.__init__.__globals__ }}", REFUSED),
    ("{{ lipsum }}", UNDEFINED),
    ("{{ lipsum() }}", REFUSED),
    ("{{ lipsum.__globals__['os'].popen('id') }}", REFUSED),
    ("{{ range(10) }}", REFUSED),
    ("{{ range }}", UNDEFINED),
    ("{{ dict(a=1) }}", REFUSED),
    ("{{ request.application }}", UNDEFINED),
    ("{{ config.items() }}", REFUSED),
    ("{{ context }}", UNDEFINED),
    ("{{ caller() }}", REFUSED),
    ("{{ super() }}", REFUSED),
    ("{{ varargs }}", UNDEFINED),
    ("{{ loop }}", UNDEFINED),
    ("{{ get_flashed_messages() }}", REFUSED),
    ("{{ environ }}", UNDEFINED),
    ("{{ os.environ }}", UNDEFINED),
    ("{{ __builtins__ }}", REFUSED),
    ("{{ __import__('os') }}", REFUSED),
    ("{{ eval('1') }}", REFUSED),
    ("{{ open('/etc/passwd') }}", REFUSED),
    ("{{ (text.upper)() }}", REFUSED),
    ("{{ (text | upper)() }}", REFUSED),
    ("{{ [text][0]() }}", REFUSED),
    ("{{ text | upper(*xs) }}", REFUSED),
    ("{{ text | upper(**m) }}", REFUSED),
    ("{{ text | default(*xs) }}", REFUSED),
    ("{{ 2 ** 9 }}", REFUSED),
    ("{{ text | pprint }}", REFUSED),
    ("{{ m | xmlattr }}", REFUSED),
    ("{{ text | safe }}", REFUSED),
    ("{{ text | e }}", REFUSED),
    ("{{ text | escape }}", REFUSED),
    ("{{ text | urlize }}", REFUSED),
    ("{{ text | center(9) }}", REFUSED),
    ("{{ text | indent }}", REFUSED),
    ("{{ text | wordwrap }}", REFUSED),
    ("{{ xs | random }}", REFUSED),
    ("{{ xs | groupby('a') }}", REFUSED),
    ("{{ xs | batch(2) }}", REFUSED),
    ("{{ text | a.b }}", REFUSED),
    ("{{ text is callable }}", REFUSED),
    ("{{ text is filter }}", REFUSED),
    ("{{ text is sameas text }}", REFUSED),
    ("{{ text is escaped }}", REFUSED),
    ("{% set x = 1 %}", REFUSED),
    ("{% set ns.x = 1 %}", REFUSED),
    ("{% macro m() %}{% endmacro %}", REFUSED),
    ("{% call m() %}{% endcall %}", REFUSED),
    ("{% import 'x' as x %}", REFUSED),
    ("{% from 'x' import y %}", REFUSED),
    ("{% include '/etc/passwd' %}", REFUSED),
    ("{% extends 'x' %}", REFUSED),
    ("{% block b %}{% endblock %}", REFUSED),
    ("{% filter upper %}a{% endfilter %}", REFUSED),
    ("{% with x = 1 %}{% endwith %}", REFUSED),
    ("{% autoescape true %}{% endautoescape %}", REFUSED),
    ("{% print text %}", REFUSED),
    ("{% do xs.append(1) %}", REFUSED),
    ("{% debug %}", REFUSED),
    ("{% trans %}a{% endtrans %}", REFUSED),
    ("{%- set x = 1 -%}", REFUSED),
    ("{% for x in xs recursive %}{{ loop(xs) }}{% endfor %}", REFUSED),
    ("{% for x in xs %}{{ loop.cycle('a') }}{% endfor %}", REFUSED),
    ("{% for x in xs %}{{ loop.__class__ }}{% endfor %}", REFUSED),
    ("{% for x in xs %}{{ loop._iterator }}{% endfor %}", UNDEFINED),
    ("{% for x in xs %}{% break %}{% endfor %}", REFUSED),
    ("{% for __x in xs %}{% endfor %}", REFUSED),
    ("{{ x := 1 }}", SYNTAX),
    ("{{ lambda: 1 }}", SYNTAX),
    ("{{ [x for x in xs] }}", SYNTAX),
    ("{{ `id` }}", SYNTAX),
    ("{{ text; text }}", SYNTAX),
    ("{{ text\\ntext }}", SYNTAX),
]


@pytest.mark.parametrize(("text", "code"), ATTEMPTS, ids=[text for text, _ in ATTEMPTS])
def test_escapes_end_in_an_error(text, code):
    with pytest.raises(TemplateError) as caught:
        evaluate(compile_template(text), SCOPE)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{{ text.upper is defined }}", False, id="methods do not exist"),
        pytest.param("{{ m.items | default('no') }}", "no", id="methods of mappings do not exist"),
        pytest.param("{{ xs | map(attribute='__class__', default='no') }}", ["no", "no"], id="attributes of items"),
        pytest.param("{{ evil }}", "{{ params }}", id="a value is not a template"),
        pytest.param("{{ evil ~ '!' }}", "{{ params }}!", id="a value inside text is not a template"),
        pytest.param("{{ items.items }}", 7, id="a key may have a method's name"),
        pytest.param("{{ dunder['__cla' ~ 'ss__'] }}", "data", id="a key may look like an attribute"),
    ],
)
def test_data_is_only_data(text, expected):
    scope = {**SCOPE, "evil": "{{ params }}", "items": {"items": 7}, "dunder": {"__class__": "data"}}

    assert evaluate(compile_template(text), scope) == expected


def test_nothing_of_the_scope_is_called_or_asked_for_attributes():
    touched = []

    class Trap(dict):
        def __getattr__(self, name):
            touched.append(name)
            raise AttributeError(name)

        def __call__(self):
            touched.append("call")

        def __format__(self, form):
            touched.append("format")
            return ""

        def __str__(self):
            touched.append("str")
            return ""

    scope = {"trap": Trap(a=1)}
    texts = ["{{ trap.a }}", "{{ trap }}", "<{{ trap }}>", "{{ trap.b | default(1) }}", "{{ trap | map_format('%s') }}"]

    assert [evaluate(compile_template(text), scope) for text in texts] == [1, {"a": 1}, '<{"a":1}>', 1, '{"a":1}']
    assert touched == []
