"""Programs whose `f()` should return 1 and does not, and tries to be believed all the same."""

from textwrap import dedent

_WORDS = {
    "an object equal to all": """
        class L:
            def __eq__(self, other): return True
        f = L
        """,
    "a text equal to all": """
        class L(str):
            def __eq__(self, other): return True
        f = lambda: L("x")
        """,
    "a number equal to all": """
        class L(int):
            def __eq__(self, other): return True
        f = lambda: L(9)
        """,
    "a number of the right value and another type": """
        class L(int): pass
        f = lambda: L(1)
        """,
    "a list equal to all": """
        class L(list):
            def __eq__(self, other): return True
        f = L
        """,
    "an object that shows as 1": """
        class L:
            def __repr__(self): return "1"
        f = L
        """,
    "an object that packs as 1": """
        class L:
            def __reduce__(self): return int, (1,)
        f = L
        """,
    "an object that calls its class int": """
        class L:
            __class__ = int
            def __index__(self): return 1
        f = L
        """,
    "a class equal to int": """
        class M(type):
            def __eq__(self, other): return True
            def __hash__(self): return hash(type(1))
        class int(metaclass=M): pass
        f = int
        """,
    "true for 1": "f = lambda: True",
    "1 as text": "f = lambda: '1'",
    "1 in a list": "f = lambda: [1]",
    "NaN": "f = lambda: float('nan')",
    "1e999": "f = lambda: 1e999",
    "a number of a million digits": "f = lambda: 10 ** 1_000_000",
    "a generator": "def f(): yield 1",
    "a list that holds itself": """
        def f():
            a = []
            a.append(a)
            return a
        """,
    "a list of ten million levels": """
        def f():
            a = []
            for _ in range(10**7): a = [a]
            return a
        """,
    "nodes without an end": """
        def f():
            a = ListNode(1)
            a.next = a
            return a
        """,
    "comparison patched": """
        import builtins, operator
        builtins.isinstance = operator.eq = int.__eq__ = lambda *a: True
        f = lambda: 9
        """,
    "json patched": """
        import json
        json.dumps = lambda *a, **k: '{"n": 1, "passed": true}'
        f = lambda: 9
        """,
    "the driver patched": """
        import sys
        for module in list(sys.modules.values()):
            if module.__name__.endswith("plain"): module.pack = lambda *a: 9
        f = lambda: 9
        """,
    "a frame of the tests' own": """
        import os
        def f():
            told = b'{"n": 1, "passed": true}'
            os.write(3, len(told).to_bytes(4, "little") + told)
            return 9
        """,
    "frames sent ahead": """
        import os
        told = b'{"n": 1, "passed": true}'
        os.write(3, 9 * (len(told).to_bytes(4, "little") + told))
        f = lambda: 9
        """,
    "rubbish on every descriptor": """
        import os
        for fd in range(3, 256):
            try: os.write(fd, bytes(99))
            except OSError: pass
        f = lambda: 9
        """,
    "a frame of 4 GiB": """
        import os
        os.write(3, b"\\xff" * 99)
        f = lambda: 9
        """,
    "a frame that is deep": """
        import os
        def f():
            told = b'{"n": 1, "value": ' + b"[" * 99_999 + b"]" * 99_999 + b"}"
            os.write(3, len(told).to_bytes(4, "little") + told)
            return 9
        """,
    "a frame with an infinite number": """
        import os
        def f():
            told = b'{"n": 1, "value": 1e999}'
            os.write(3, len(told).to_bytes(4, "little") + told)
            return 9
        """,
    "an exit in a thread": """
        import os, threading
        threading.Thread(target=lambda: os._exit(0)).start()
        threading.Event().wait(9)
        """,
    "the expected value in a frame above": """
        import sys
        def f():
            above = sys._getframe()
            while above:
                if "expected" in above.f_locals: return above.f_locals["expected"]
                above = above.f_back
            return 9
        """,
    "the expected value among all objects": """
        import gc
        def f():
            found = [o for o in gc.get_objects() if type(o) is dict and "expected" in o]
            return found[0]["expected"] if found else 9
        """,
    "an exception that cannot be told": """
        class E(Exception):
            def __str__(self): raise SystemExit(0)
        def f(): raise E
        """,
    "an exception of a clever name": """
        accepted = type("accepted", (Exception,), {})
        def f(): raise accepted
        """,
}

LIES = {name: dedent(code) for name, code in _WORDS.items()}

LIAR = dedent(
    """
    class L:
        def __call__(self): return L()
        def __eq__(self, other): return True
        __bool__ = __lt__ = __contains__ = __eq__
        def __len__(self): return 1
        def __iter__(self): return iter([])
        def __add__(self, other): return 2
        def __str__(self): return "1"
        def stop(self, x): raise StopIteration
    f = L()
    """
)
"""An object that has an answer to everything."""

KNOWING = dedent(
    """
    import os
    def f():
        told = b'{"n": 1, "value": 1}'
        os.write(3, len(told).to_bytes(4, "little") + told)
        return 9
    """
)
"""It knows the driver and the expected value."""
