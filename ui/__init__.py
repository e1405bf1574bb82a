"""The Streamlit page; it talks to the service over HTTP only."""
