"""The course as pages that anybody can read, from a disk and without a network; `notebooks/website.py` writes them.

executing   a notebook run from top to bottom, and what its views need without a kernel; kept until something changes
formulas    LaTeX as MathML, which browsers draw themselves
texts       Markdown as HTML, with links that lead within the pages
outputs     what cells showed, as HTML
pages       a whole page of a notebook, and its sections for the search
searching   which words stand in which section, and how much each counts there
writing     all pages with their style, scripts and index, in a folder
"""
