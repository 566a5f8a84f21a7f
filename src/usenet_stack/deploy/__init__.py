"""The deploy room: bring a whole stack up, and take it down."""
