"""`usenet storage watch`: drives that come and go while everything runs."""
