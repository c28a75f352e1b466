"""Script that Streamlit runs for each page view. LOSSLEDGER_WAREHOUSE names the warehouse."""

import os

from lossledger.readers.explore.views.page_layout import show
from lossledger.store.places import place

if __name__ == "__main__":
    show(place(os.environ["LOSSLEDGER_WAREHOUSE"]))
