"""Time series: tables to panels, frequencies, gaps, the calendar, windows of training.

`dataset` is where it begins. A table is read (`read_table`, `frames`, `header`, or `json_lines`),
brought into one row for each series and time (`layouts`, `levels`), its columns are found
(`find_columns`, `find_keys`), and its times read (`times`, `stamps`), ordered (`order_rows`) and
placed on a grid (`infer_frequency`, `grid`). The result is a `panel`, from which `calendar`,
`scaler` and `windows` make what a network reads.
"""
