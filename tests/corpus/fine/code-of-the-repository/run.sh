python "$1"
