"""The self-checks of the exercises, a module a notebook, loaded when a notebook asks for one."""
