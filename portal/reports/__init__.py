"""What goes out as a file: tables as CSV and XLSX, the score report as PDF, jobs that make the long ones."""
