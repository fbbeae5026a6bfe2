"""Tables: CSV and XLSX, as spreadsheets in Finland write them."""

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TABLE_TYPES = (CSV, XLSX)
