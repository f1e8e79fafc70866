"""Rows: checked, scaled, drawn and streamed, and the arrays that a fit leaves behind."""
