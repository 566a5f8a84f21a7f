"""The deploy room: bring a whole stack up, and take it down."""

from usenet_stack.deploy.destroy import destroy_stack, plan_destroy
from usenet_stack.deploy.request import DeployRequest
from usenet_stack.deploy.run import deploy_stack

__all__ = ["DeployRequest", "deploy_stack", "destroy_stack", "plan_destroy"]
