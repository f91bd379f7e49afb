"""The verdict on a mathematical answer: the known answer and what was boxed in, a verdict out.

number       what is certain at a glance: plain numbers, in the caller's process
signs, words, tokens          LaTeX in one spelling
tree, cursor, digits, expression   one expression, read strictly
exact, rounded                what a tree is worth, as a fraction or to sixty digits
numbers, formulas, same       whether two trees say the same
form, parts, scalar, region, sets, reading   what kind of thing an answer is: a number, a list, an interval, words
equal        whether two forms say the same
second       math-verify, asked where the strict reading gives up on the known answer
verdict      all of it, for one answer
worker       the process that a verdict is made in, and the warm one that it is forked from
lane         that process seen from outside: one question, a deadline, an end
pool         several of them: Workers
"""
