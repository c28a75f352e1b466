"""What Streamlit runs for each look at the page. LOSSLEDGER_WAREHOUSE names the warehouse."""

import os

from readers.explore.views.page import show
from store.places import place

if __name__ == "__main__":
    show(place(os.environ["LOSSLEDGER_WAREHOUSE"]))
